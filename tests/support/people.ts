import { createInvitation, ownerInvitation } from "#lib/auth/invitations.ts";
import { personOfSession } from "#lib/auth/session.ts";
import { POST as createAccount } from "../../app/api/v1/accounts/route.ts";
import { type Answer, Visitor } from "./visitor.ts";

export const PASSWORD = "correct horse battery";

export const accountOf = (username: string, more: object = {}): Record<string, unknown> => ({
  username,
  email: `${username.toLowerCase()}@example.org`,
  password: PASSWORD,
  ...more,
});

export const invitationIn = (url: string): string => new URL(url).searchParams.get("invitation")!;

export const signUp = (visitor: Visitor, account: unknown): Promise<Answer> =>
  visitor.ask(createAccount, { method: "POST", body: account });

/** The first person of an empty hub, signed in: its operator. */
export async function signUpOwner(username: string): Promise<Visitor> {
  const owner = new Visitor();
  const { status, body } = await signUp(
    owner,
    accountOf(username, { invitation: invitationIn((await ownerInvitation())!) }),
  );
  if (status !== 201) throw new Error(JSON.stringify(body));
  return owner;
}

/** Somebody whom the owner invited, signed in. */
export async function signUpGuest(owner: Visitor, username: string): Promise<Visitor> {
  const actor = await personOfSession(
    new Headers({ cookie: [...owner.cookies].map(([name, value]) => `${name}=${value}`).join("; ") }),
  );
  const { url } = await createInvitation(actor!, { expiresInHours: 1 });
  const guest = new Visitor();
  const { status, body } = await signUp(guest, accountOf(username, { invitation: invitationIn(url) }));
  if (status !== 201) throw new Error(JSON.stringify(body));
  return guest;
}
