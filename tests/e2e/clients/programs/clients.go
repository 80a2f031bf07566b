// Go's HTTP clients, each at every URL: a line "client<TAB>number of the URL<TAB>answer".
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	clients := []struct {
		name   string
		client *http.Client
	}{
		{"default Transport", http.DefaultClient},
		{"custom Transport", &http.Client{Transport: &http.Transport{}}},
	}
	for _, row := range clients {
		for number, url := range os.Args[1:] {
			fmt.Printf("%s\t%d\t%s\n", row.name, number, strings.ReplaceAll(get(row.client, url), "\n", " "))
		}
	}
}

func get(client *http.Client, url string) string {
	answer, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return strings.TrimSpace(string(body))
}
