"""`neurosieve finetune`: a model and a new head, trained on a task."""
