"""The web server: the playground, the websocket, and who may come in."""
