"""The three networks of the seed text's section 4.3, each on its own page, and the reference network."""
