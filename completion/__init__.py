"""From a document and a cursor to ghost text: layout, prompt, engine, decoding, trimming."""
