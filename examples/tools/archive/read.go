package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

func list(archive string, kind format) ([]Content, error) {
	var lines []string
	count, size := 0, int64(0)
	err := each(archive, kind, func(found entry) error {
		count++
		size += found.size
		if count <= shownMax {
			lines = append(lines, fmt.Sprintf("%12d %s", found.size, found.name))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if count > shownMax {
		lines = append(lines, fmt.Sprintf("... and %d more", count-shownMax))
	}
	head := fmt.Sprintf("%d entries, %d bytes uncompressed", count, size)
	return []Content{Text(strings.Join(append([]string{head}, lines...), "\n"))}, nil
}

// extract writes the wanted entries (all of them without any) below the folder. Nothing is ever written outside of it: an
// entry whose name leads out ends the call before it is written, and links are left out.
func extract(archive string, kind format, to string, wanted []string) ([]Content, error) {
	if to == "" {
		return nil, InvalidInput("the field to is missing: the folder to extract into")
	}
	left := newBudget()
	files, skipped := 0, 0
	err := each(archive, kind, func(found entry) error {
		if !isWanted(found.name, wanted) {
			return nil
		}
		name := filepath.FromSlash(strings.TrimSuffix(found.name, "/"))
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%s is not safe to extract: its entry %q leads out of the folder", archive, found.name)
		}
		target := filepath.Join(to, name)
		if found.directory {
			return os.MkdirAll(target, 0o755)
		}
		if !found.file {
			skipped++
			return nil
		}
		files++
		return write(target, found, left)
	})
	if err != nil {
		return nil, fmt.Errorf("%w (%d files were extracted before)", err, max(0, files-1))
	}
	if files == 0 && len(wanted) > 0 {
		return nil, fmt.Errorf("%s has none of %s; list it to see what there is", archive, strings.Join(wanted, ", "))
	}
	text := fmt.Sprintf("extracted %d files, %d bytes, into %s", files, bytesMax-left.bytes, to)
	if skipped > 0 {
		text += fmt.Sprintf("; left out %d links or special files", skipped)
	}
	return []Content{Text(text)}, nil
}

func write(target string, found entry, left *budget) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if found.executable {
		mode = 0o755
	}
	from, err := found.open()
	if err != nil {
		return err
	}
	defer from.Close()
	file, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = left.copy(file, from)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		// Half a file would be taken for a whole one.
		os.Remove(target)
	}
	return err
}

// isWanted says whether the name is one of those, or below a folder among those.
func isWanted(name string, wanted []string) bool {
	name = path.Clean(name)
	for _, each := range wanted {
		if each = path.Clean(each); name == each || strings.HasPrefix(name, each+"/") {
			return true
		}
	}
	return len(wanted) == 0
}
