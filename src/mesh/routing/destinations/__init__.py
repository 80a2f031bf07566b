"""Where requests can go: Services, subsets, clusters and endpoints."""
