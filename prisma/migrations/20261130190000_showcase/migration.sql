-- The front page shows what is verified, and until something is, what is usable with limits; also while the next look is under way.
DROP INDEX pair_by_recovery;
CREATE INDEX pair_by_recovery ON pair (verdict, ((summary #>> '{measured,fidelity,recovered,value}')::float8) DESC NULLS LAST, id)
  WHERE verdict IN ('verified', 'usable_with_limits');
