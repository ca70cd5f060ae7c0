-- Measured, and nothing certain came of it: not the same as not measured. By itself, for a new value is usable only once it is committed.
ALTER TYPE "verdict" ADD VALUE 'inconclusive' BEFORE 'incompatible';
