"""`meshmall report`: the state of a mesh as one file, to attach to a CI run or a bug report."""
