-- Public keys that reports were signed with: kept for ever, so that an old report can be checked after the secret was changed.
CREATE TABLE report_key (
  id TEXT PRIMARY KEY,
  x TEXT NOT NULL,
  first_used_at TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);
