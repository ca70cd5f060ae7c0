/** What is said of something that is shown once. */
export interface SecretWords {
  readonly note: string;
  readonly label: string;
  readonly secret: string;
  readonly linesNote?: string;
  readonly lines?: string;
}

export const tokenWords = (hub: string, secret: string): SecretWords => ({
  note: "Copy it now: it is not shown again, and nobody can look it up.",
  label: "Your new access token",
  secret,
  linesNote: "As a header of every request, or as variables for hf and huggingface_hub:",
  lines: `curl -H "Authorization: Bearer ${secret}" \\\n  ${hub}/api/v1/me\nexport HF_ENDPOINT=${hub}\nexport HF_TOKEN=${secret}`,
});

export const invitationWords = (url: string): SecretWords => ({
  note: "Send it to whom it is for: it is not shown again, and lets one person sign up.",
  label: "The link of the invitation",
  secret: url,
});
