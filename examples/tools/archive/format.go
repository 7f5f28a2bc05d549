package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
)

type format int

const (
	zipFormat format = iota
	tarFormat
	tarGzipFormat
)

// formatOf goes by the name, as people do.
func formatOf(name string) (format, error) {
	switch lower := strings.ToLower(name); {
	case strings.HasSuffix(lower, ".zip"):
		return zipFormat, nil
	case strings.HasSuffix(lower, ".tar"):
		return tarFormat, nil
	case strings.HasSuffix(lower, ".tar.gz"), strings.HasSuffix(lower, ".tgz"):
		return tarGzipFormat, nil
	default:
		return 0, InvalidInput(fmt.Sprintf("archive has to end with .zip, .tar, .tar.gz or .tgz: %s does not", name))
	}
}

// entry is one member of an archive.
type entry struct {
	name      string
	size      int64
	directory bool
	// Whether it is an ordinary file. Links and devices are neither this nor a directory.
	file       bool
	executable bool
	open       func() (io.ReadCloser, error)
}

// each calls visit for every entry, in the archive's order.
func each(path string, kind format, visit func(entry) error) error {
	left := newBudget()
	counted := func(found entry) error {
		if err := left.entry(); err != nil {
			return err
		}
		return visit(found)
	}
	if kind == zipFormat {
		return eachOfZip(path, counted)
	}
	return eachOfTar(path, kind, counted)
}

func eachOfZip(path string, visit func(entry) error) error {
	reader, err := zip.OpenReader(path)
	if err != nil {
		return unreadable(path, err)
	}
	defer reader.Close()
	for _, file := range reader.File {
		mode := file.Mode()
		found := entry{file.Name, int64(file.UncompressedSize64), mode.IsDir(), mode.IsRegular(), mode&0o111 != 0, file.Open}
		if err := visit(found); err != nil {
			return err
		}
	}
	return nil
}

func eachOfTar(path string, kind format, visit func(entry) error) error {
	file, err := os.Open(path)
	if err != nil {
		return unreadable(path, err)
	}
	defer file.Close()
	var stream io.Reader = file
	if kind == tarGzipFormat {
		if stream, err = gzip.NewReader(file); err != nil {
			return unreadable(path, err)
		}
	}
	// What is skipped counts as well: it has to be decompressed.
	reader := tar.NewReader(io.LimitReader(stream, 2*bytesMax))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return unreadable(path, err)
		}
		mode := header.FileInfo().Mode()
		open := func() (io.ReadCloser, error) { return io.NopCloser(reader), nil }
		found := entry{header.Name, header.Size, mode.IsDir(), header.Typeflag == tar.TypeReg, mode&0o111 != 0, open}
		if err := visit(found); err != nil {
			return err
		}
	}
}

func unreadable(path string, err error) error {
	if os.IsNotExist(err) {
		return fmt.Errorf("there is no file %s in the workspace", path)
	}
	return fmt.Errorf("%s cannot be read as an archive of that kind: %w", path, err)
}
