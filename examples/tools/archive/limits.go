package main

import (
	"fmt"
	"io"
)

// What one call handles at most. An archive may claim any size, so what counts is what comes out of it.
const (
	entriesMax = 10_000
	bytesMax   = 256 << 20
	shownMax   = 200
)

// budget counts down while an archive is read or written.
type budget struct {
	entries int
	bytes   int64
}

func newBudget() *budget { return &budget{entries: entriesMax, bytes: bytesMax} }

func (left *budget) entry() error {
	left.entries--
	if left.entries < 0 {
		return fmt.Errorf("the archive has more than %d entries", entriesMax)
	}
	return nil
}

// copy copies everything, or fails as soon as it is more than is left.
func (left *budget) copy(to io.Writer, from io.Reader) (int64, error) {
	count, err := io.Copy(to, io.LimitReader(from, left.bytes+1))
	left.bytes -= count
	if err == nil && left.bytes < 0 {
		err = fmt.Errorf("the files are larger than %d MiB together", bytesMax>>20)
	}
	return count, err
}
