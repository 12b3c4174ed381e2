"""The language server: LSP 3.18 over whatever carries one JSON-RPC message a frame."""
