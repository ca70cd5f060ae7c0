import { forbidden, notFound, unauthorized } from "next/navigation.js";
import { AppError, failures } from "#lib/errors.ts";

/**
 * What a page shows, or the page that says why it cannot: absent, sign in, not yours. An address that asks for what cannot be is one of
 * nothing. Anything else is for error.tsx.
 */
export async function shown<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    const { status } = failures[cause.code];
    if (status === 400 || status === 404 || status === 410) notFound();
    if (status === 401) unauthorized();
    if (status === 403) forbidden();
    throw cause;
  }
}

/** What may be missing from a page that stands without it. */
export async function ifThere<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((cause: unknown) => {
    if (cause instanceof AppError && failures[cause.code].status < 500) return null;
    throw cause;
  });
}
