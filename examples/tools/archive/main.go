// Lists, extracts and creates archives in the workspace. What the model sees of it is in tool.toml.
package main

import "fmt"

// Input is what tool.toml's input_schema describes.
type Input struct {
	Action  string   `json:"action"`
	Archive string   `json:"archive"`
	Paths   []string `json:"paths"`
	To      string   `json:"to"`
}

func main() { Run(archive) }

func archive(input Input) ([]Content, error) {
	if input.Archive == "" {
		return nil, InvalidInput("the field archive is missing")
	}
	format, err := formatOf(input.Archive)
	if err != nil {
		return nil, err
	}
	switch input.Action {
	case "list":
		return list(input.Archive, format)
	case "extract":
		return extract(input.Archive, format, input.To, input.Paths)
	case "create":
		return create(input.Archive, format, input.Paths)
	case "":
		return nil, InvalidInput("the field action is missing")
	default:
		return nil, InvalidInput(fmt.Sprintf("action has to be list, extract or create, not %q", input.Action))
	}
}
