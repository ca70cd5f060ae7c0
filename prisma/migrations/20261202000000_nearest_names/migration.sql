-- The repos whose owner or name is most like what was asked for, misspelt or cut short: 0.4 of its trigrams in one run of the name.
-- Of more than 500 that are like it, any 500 are compared.
CREATE FUNCTION repos_with_names_like(asked text, most integer) RETURNS TABLE (id uuid, likeness real) LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  PERFORM set_config('pg_trgm.word_similarity_threshold', '0.4', true);
  RETURN QUERY
    SELECT l.repo_id, word_similarity(asked, l.name) AS likeness
    FROM (SELECT s.repo_id, s.name FROM repo_search s WHERE asked <% s.name LIMIT 500) l
    ORDER BY likeness DESC, l.repo_id LIMIT most;
END $$;
