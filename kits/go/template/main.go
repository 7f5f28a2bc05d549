// The tool. What the model sees of it is in tool.toml.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"
	"unicode/utf8"
)

// Input is what tool.toml's input_schema describes.
type Input struct {
	Path    string `json:"path"`
	Longest *int   `json:"longest"`
}

func main() { Run(count) }

func count(input Input) ([]Content, error) {
	if input.Path == "" {
		return nil, InvalidInput("the field path is missing")
	}
	longest := 3
	if input.Longest != nil {
		longest = max(0, *input.Longest)
	}
	// The working directory is /workspace.
	bytes, err := os.ReadFile(input.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", input.Path, err)
	}
	text := string(bytes)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	shown := append([]string(nil), lines...)
	sort.SliceStable(shown, func(i, j int) bool { return len(shown[i]) > len(shown[j]) })
	answer := fmt.Sprintf("%d lines, %d words, %d characters", len(lines), len(strings.Fields(text)), utf8.RuneCountInString(text))
	for _, line := range shown[:min(longest, len(shown))] {
		answer += fmt.Sprintf("\n%d: %s", utf8.RuneCountInString(line), line)
	}
	return []Content{Text(answer)}, nil
}
