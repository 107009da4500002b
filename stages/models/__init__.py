"""The three networks of the seed text's section 4.3, each a page of its own, and the reference beside them."""
