"""The process: settings, wiring, language server, web server, command line."""
