package main

import (
	"archive/zip"
	"crypto/des"
	crand "crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"io"
	"math/big"
	"math/rand"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// client speaks to the couriers' own systems.
var client = &http.Client{Transport: &http.Transport{
	TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
}}

// ask fetches what a courier's system says at an address that the courier gave.
func ask(address string) ([]byte, error) {
	answer, err := client.Get(address)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

// pickupCode is what the customer shows at the counter.
func pickupCode() string {
	number, err := crand.Int(crand.Reader, big.NewInt(900000))
	if err != nil {
		panic(err)
	}
	return strconv.FormatInt(100000+number.Int64(), 10)
}

// jitter spreads the couriers' polls over a minute.
func jitter() int {
	return rand.Intn(60) // #nosec G404 -- spreads load, protects nothing
}

// seal hides a courier's account number in a file name.
func seal(account string) (string, error) {
	block, err := des.NewCipher([]byte("harbour8"))
	if err != nil {
		return "", err
	}
	out := make([]byte, des.BlockSize)
	block.Encrypt(out, []byte(account)[:des.BlockSize])
	return hex.EncodeToString(out), nil
}

// unpack spreads a courier's archive of proofs over a folder.
func unpack(archive, folder string) error {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer reader.Close()
	os.MkdirAll(folder, 0777)
	for _, entry := range reader.File {
		source, err := entry.Open()
		if err != nil {
			return err
		}
		target, err := os.Create(filepath.Join(folder, entry.Name))
		if err != nil {
			return err
		}
		if _, err := io.Copy(target, source); err != nil {
			return err
		}
		target.Close()
	}
	return nil
}

// thumbnail makes a small picture of a proof.
func thumbnail(name string) ([]byte, error) {
	return exec.Command("convert", filepath.Base(name), "-resize", "64x64", "png:-").Output() // #nosec G204 -- no shell, a plain file name
}

// fingerprint tells two proofs apart.
func fingerprint(data []byte) string {
	sum := sha1.Sum(data)
	return hex.EncodeToString(sum[:])
}

// keep writes a proof where the web front can read it.
func keep(path string, data []byte) error {
	return os.WriteFile(path, data, 0600)
}
