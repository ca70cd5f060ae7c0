-- A text is kept before it is laid out: then it is neither HTML nor says why not.
ALTER TABLE markdown DROP CONSTRAINT markdown_is_html_or_says_why_not;
ALTER TABLE markdown ADD CONSTRAINT markdown_says_why_it_is_no_html CHECK (html IS NULL OR problem IS NULL);
