"""The machine beneath the pods: addresses, processes, what is left over."""
