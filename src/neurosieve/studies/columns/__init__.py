"""What there is to see of any neuron on held-out rows: its column of the store, and tokens picked by it in code."""
