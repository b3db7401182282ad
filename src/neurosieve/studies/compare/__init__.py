"""Several finished runs side by side: what their neurons have in common, each figure beside chance."""
