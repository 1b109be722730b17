"""The command and the library as people run them: child processes, real clients, many ticks, many threads."""
