"""The mesh as tools for coding agents, by the Model Context Protocol. Needs the extra `mcp`."""
