package main

// The plain way to be a tool: the input as JSON on standard input, the answer on standard output, and the exit status says
// whether it worked.

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

// Content is a piece of an answer: Text, Image, Document or JSON.
type Content map[string]any

// Text is a block of text.
func Text(text string) Content { return Content{"type": "text", "text": text} }

// JSON is any JSON value.
func JSON(value any) Content { return Content{"type": "json", "json": value} }

// Image is a PNG, JPEG, GIF or WebP.
func Image(mediaType string, data []byte) Content { return blob("image", mediaType, data) }

// Document is a PDF.
func Document(data []byte) Content { return blob("document", "application/pdf", data) }

func blob(kind, mediaType string, data []byte) Content {
	return Content{"type": kind, "source": map[string]string{
		"type": "base64", "media_type": mediaType, "data": base64.StdEncoding.EncodeToString(data),
	}}
}

// InvalidInput is an error of the input: the text names the field.
type InvalidInput string

func (problem InvalidInput) Error() string { return string(problem) }

// Secret is a stand-in for a secret, for the value of a request's header; the host puts the secret in its place.
func Secret(name string) (string, error) {
	if standIn := os.Getenv(name); standIn != "" {
		return standIn, nil
	}
	return "", fmt.Errorf("this tool was not granted the secret %s: its agent's entry has to name it in `grants.secrets`", name)
}

// Run reads the input, calls the tool and writes its answer. It does not return.
//
// An error's text is what the model reads, so say what would help. Standard error is for that alone.
func Run[Input any](tool func(Input) ([]Content, error)) {
	defer func() {
		if reason := recover(); reason != nil {
			fail(1, fmt.Errorf("the tool panicked: %v\n%s", reason, debug.Stack()))
		}
	}()
	input, err := read[Input]()
	if err != nil {
		fail(2, err)
	}
	answer, err := tool(input)
	var invalid InvalidInput
	if errors.As(err, &invalid) {
		fail(2, invalid)
	}
	if err != nil {
		fail(1, err)
	}
	if answer == nil {
		answer = []Content{}
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"content": answer}); err != nil {
		fail(1, err)
	}
	os.Exit(0)
}

func read[Input any]() (Input, error) {
	var input Input
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return input, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&input); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) && kind.Field != "" {
			return input, InvalidInput(fmt.Sprintf("%s has to be a %s, not a %s", kind.Field, kind.Type, kind.Value))
		}
		return input, InvalidInput(fmt.Sprintf("the input is not what the tool asks for: %v", err))
	}
	return input, nil
}

func fail(status int, err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(status)
}
