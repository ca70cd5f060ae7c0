-- lib/catalog/kinds.ts says the same.
INSERT INTO repo_kind_can (kind, draws, guides, is_base, has_base, evaluates) VALUES ('evaluator', false, false, false, false, true);
