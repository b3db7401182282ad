"""What two runs have in common: sets on another task, roles of neurons, kinds of neurons over several runs."""
