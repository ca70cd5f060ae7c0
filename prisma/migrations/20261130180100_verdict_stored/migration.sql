-- What the first protocol measured without a verdict has its own word. Everything else of it keeps its word, and is told as of that protocol.
UPDATE pair SET verdict = 'inconclusive' WHERE state = 'succeeded' AND verdict = 'not_measured' AND measured_at IS NOT NULL
  AND coalesce(jsonb_typeof(summary #> '{measured,fidelity}'), 'null') <> 'null';
