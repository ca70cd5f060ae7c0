/** 1234567 → «1,234,567». `toLocaleString` says the same, and takes 20 ms of a process to load what it knows of languages. */
export const thousands = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
