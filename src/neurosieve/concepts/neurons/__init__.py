"""Single neurons: histograms, scores on held-out files, rivals, and what may be claimed."""
