package main

import (
	"encoding/json"
	"log"
	"net/http"
	"time"
)

type status struct {
	Ready  bool          `json:"ready"`
	Uptime time.Duration `json:"uptime"`
}

var started = time.Now()

func writeJSON(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		log.Println(err)
	}
}

func handleStatus(w http.ResponseWriter, r *http.Request) {
	⟨cursor⟩
}

func main() {
	http.HandleFunc("/status", handleStatus)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
}
