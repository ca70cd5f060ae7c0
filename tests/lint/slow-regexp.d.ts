/** What is slow in an expression, as a sentence; null for one that takes linear time. */
export function faultOf(source: string, flags: string): string | null;
