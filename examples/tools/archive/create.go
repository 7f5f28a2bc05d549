package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// create packs files and folders of the workspace. The archive appears when it is whole, or not at all.
func create(archive string, kind format, paths []string) ([]Content, error) {
	if len(paths) == 0 {
		return nil, InvalidInput("the field paths is missing: what to pack")
	}
	for _, each := range paths {
		if !filepath.IsLocal(each) {
			return nil, InvalidInput(fmt.Sprintf("paths have to be inside the workspace, without .. or a leading slash: %s", each))
		}
	}
	unfinished := archive + ".part"
	file, err := os.Create(unfinished)
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", archive, err)
	}
	defer os.Remove(unfinished)
	defer file.Close()
	pack := newPacker(file, kind)
	left := newBudget()
	files := 0
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, found fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !found.Type().IsRegular() || filepath.Clean(path) == filepath.Clean(unfinished) || filepath.Clean(path) == filepath.Clean(archive) {
				return nil
			}
			files++
			if err := left.entry(); err != nil {
				return err
			}
			return add(pack, path, found, left)
		})
		if err != nil {
			return nil, fmt.Errorf("cannot pack %s: %w", root, err)
		}
	}
	if err := pack.close(); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	if err := os.Rename(unfinished, archive); err != nil {
		return nil, err
	}
	size := int64(0)
	if made, err := os.Stat(archive); err == nil {
		size = made.Size()
	}
	return []Content{Text(fmt.Sprintf("packed %d files, %d bytes, into %s: %d bytes", files, bytesMax-left.bytes, archive, size))}, nil
}

func add(pack packer, path string, found fs.DirEntry, left *budget) error {
	about, err := found.Info()
	if err != nil {
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := pack.add(strings.TrimPrefix(filepath.ToSlash(filepath.Clean(path)), "./"), about)
	if err != nil {
		return err
	}
	_, err = left.copy(to, from)
	return err
}

// packer writes one kind of archive.
type packer struct {
	add   func(name string, about fs.FileInfo) (io.Writer, error)
	close func() error
}

func newPacker(file io.Writer, kind format) packer {
	if kind == zipFormat {
		writer := zip.NewWriter(file)
		add := func(name string, about fs.FileInfo) (io.Writer, error) {
			header, err := zip.FileInfoHeader(about)
			if err != nil {
				return nil, err
			}
			header.Name, header.Method = name, zip.Deflate
			return writer.CreateHeader(header)
		}
		return packer{add, writer.Close}
	}
	var compressed *gzip.Writer
	if kind == tarGzipFormat {
		compressed = gzip.NewWriter(file)
		file = compressed
	}
	writer := tar.NewWriter(file)
	add := func(name string, about fs.FileInfo) (io.Writer, error) {
		header, err := tar.FileInfoHeader(about, "")
		if err != nil {
			return nil, err
		}
		header.Name = name
		return writer, writer.WriteHeader(header)
	}
	end := func() error {
		if err := writer.Close(); err != nil || compressed == nil {
			return err
		}
		return compressed.Close()
	}
	return packer{add, end}
}
