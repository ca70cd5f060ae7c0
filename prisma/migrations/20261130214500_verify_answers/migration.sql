-- «Can you tell?»: which of two pictures of one seed people find closer to the prompt, guide or CFG, not knowing which is which. One
-- answer per person and prompt of a pair, or per address where the operator takes answers of people who are not signed in.
CREATE TYPE preferred AS ENUM ('guide', 'cfg', 'neither');
CREATE TABLE comparison_answer (
  id UUID PRIMARY KEY,
  pair_id UUID NOT NULL REFERENCES pair (id) ON DELETE CASCADE ON UPDATE CASCADE,
  prompt_sha256 TEXT NOT NULL,
  user_id TEXT REFERENCES app_user (id) ON DELETE CASCADE ON UPDATE CASCADE,
  address_key TEXT,
  guide_was_first BOOLEAN NOT NULL,
  preferred preferred NOT NULL,
  created_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT comparison_answer_is_hashed CHECK (prompt_sha256 ~ '^[0-9a-f]{64}$' AND address_key ~ '^[0-9a-f]{64}$'),
  CONSTRAINT comparison_answer_of_one CHECK ((user_id IS NULL) <> (address_key IS NULL))
);
CREATE UNIQUE INDEX comparison_answer_pair_id_prompt_sha256_user_id_key ON comparison_answer (pair_id, prompt_sha256, user_id);
CREATE UNIQUE INDEX comparison_answer_pair_id_prompt_sha256_address_key_key ON comparison_answer (pair_id, prompt_sha256, address_key);
CREATE INDEX comparison_answer_user_id_idx ON comparison_answer (user_id);
