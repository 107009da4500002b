"""A signer's own hand: samples of it, the correction made of them, and the file that keeps both."""
