"""Container images without a container engine: fetched from registries, unpacked into layers, kept on disk.

Everything that comes from outside (registries, archives, layers) is treated as hostile: sizes, numbers and depths are
bounded, every digest is verified, and nothing is written outside the folder that it belongs to. The work is done by a
process of its own (`mesh.images.worker`), which the daemon and the command line start through `mesh.images.client`.
"""
