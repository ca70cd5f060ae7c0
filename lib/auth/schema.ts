import { z } from "zod";

/** 12 to 128: NIST SP 800-63B asks for length, not for kinds of signs; more than 128 is no password. */
export const passwordLength = { min: 12, max: 128 } as const;

/** What people are told before they choose one. */
export const passwordRules = `${passwordLength.min} to ${passwordLength.max} characters of any kind; a few words that only you would put together are good. Nothing that repeats itself, stands in lists, or is made of your own names.`;

/** Kept in small letters. */
export const email = z
  .email("it is no e-mail address, like ann@example.org")
  .max(254, "it may have 254 characters at most")
  .toLowerCase();

export const newPassword = z
  .string()
  .min(passwordLength.min, `it must have ${passwordLength.min} characters at least`)
  // A character is what a person takes for one: an emoji of two halves counts once.
  .max(passwordLength.max, `it may have ${passwordLength.max} characters at most`)
  .refine((text) => [...text.normalize("NFKC")].length >= passwordLength.min, {
    error: `it must have ${passwordLength.min} characters at least`,
  });

export const givenPassword = z
  .string()
  .min(1, "it must not be empty")
  .max(passwordLength.max, "it is longer than a password can be");
