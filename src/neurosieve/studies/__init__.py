"""How a capability runs: options and a run folder → a result; one room a command, no maths."""
