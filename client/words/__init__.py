"""From letters to words: the text, the candidates for the word that is being spelled, and the signer's own words."""
