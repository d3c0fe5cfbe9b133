// The gateway of Harbour: couriers report here where a parcel is, and fetch what is theirs.
package main

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
)

const courierPassword = "lighthouse-42"

type gateway struct {
	database *sql.DB
	proofs   string
}

func main() {
	database, err := sql.Open("sqlite", "harbour.db")
	if err != nil {
		log.Fatal(err)
	}
	g := &gateway{database: database, proofs: "/srv/harbour/proofs"}
	http.HandleFunc("/scan", g.scan)
	http.HandleFunc("/proof", g.proof)
	http.HandleFunc("/round", g.round)
	http.HandleFunc("/mirror", g.mirror)
	log.Fatal(http.ListenAndServe(":8090", nil))
}

// scan takes in "courier c saw parcel p at place x".
func (g *gateway) scan(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Courier") != courierPassword {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	if _, err := g.database.Exec("UPDATE parcels SET place = ? WHERE code = ?", r.FormValue("place"), r.FormValue("code")); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write([]byte("seen"))
}

// proof keeps the picture of a signature and tells its checksum.
func (g *gateway) proof(w http.ResponseWriter, r *http.Request) {
	path := filepath.Join(g.proofs, r.FormValue("code")+".png")
	data, err := os.ReadFile(path)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintf(w, "%x", sha256.Sum256(data))
}

// round lists the parcels of one courier's round.
func (g *gateway) round(w http.ResponseWriter, r *http.Request) {
	rows, err := g.database.Query("SELECT code, place FROM parcels WHERE courier = ?", r.FormValue("courier"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var code, place string
		rows.Scan(&code, &place)
		fmt.Fprintf(w, "<li>%s: %s</li>", code, place)
	}
}
