"""In a Jupyter notebook: how a training goes, where it is called. Nothing of IPython is imported unless its kernel runs."""
