import { notFound } from "next/navigation.js";
import { z } from "zod";

/** The id in the address of a page; what is none is nowhere. */
export const idOf = (text: string): string => z.uuid().safeParse(text).data ?? notFound();
