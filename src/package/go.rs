//! Room for the adapter in modules of the Go compiler.
//!
//! The adapter from WASI 0.1 keeps its state and its stack in the module's own memory. It asks the module for them by
//! `cabi_realloc`; from a module without that it takes them by growing the memory. Go's runtime believes that all memory
//! behind its variables is its own, grown by whomever, so both would write into the same pages: small programs work, and
//! larger ones lose their standard error, overflow their stack or worse.
//!
//! So here the end of Go's variables, which its runtime starts from (`moduledata.end`), is moved up by a few pages, and
//! a `cabi_realloc` is added that gives these to the adapter. Checked with Go 1.24, 1.25 and 1.27.

use wasmparser::{
    BinaryReader, BinaryReaderError, DataKind, DataSectionReader, ExportSectionReader,
    ImportSectionReader, MemorySectionReader, Operator, TypeRef,
};

use super::error::PackError;
use super::sections::{CUSTOM, length, sections, write_length};

const TYPES: u8 = 1;
const IMPORTS: u8 = 2;
const FUNCTIONS: u8 = 3;
const MEMORIES: u8 = 5;
const GLOBALS: u8 = 6;
const EXPORTS: u8 = 7;
const CODE: u8 = 10;
const DATA: u8 = 11;
const DATA_COUNT: u8 = 12;

/// Where Go leaves the id of a build.
const GO_SECTION: &str = "go:buildid";
const REALLOC: &str = "cabi_realloc";
const PAGE: usize = 64 << 10;
/// The adapter needs one page for its state and one for its stack.
const ROOM_PAGES: usize = 4;
/// What Go's variables may take: the program has to fit beside them.
const VARIABLES_BYTES_MAX: usize = 64 << 20;

/// `text`, `etext`, then the ends of the kinds of variables, as `runtime.moduledata` has had them since Go 1.20.
const WORDS: usize = 13;
const NO_POINTERS: usize = 2;
const LAST_ZEROED: usize = 9;
const END: usize = 12;

/// The module with room for the adapter, if it is Go's and has none.
pub(super) fn make_room(wasm: &[u8]) -> Result<Option<Vec<u8>>, PackError> {
    let mut module = Vec::new();
    let mut is_go = false;
    for section in sections(wasm) {
        let section = section?;
        is_go |= matches!(section.custom(), Some((GO_SECTION, _)));
        module.push((section.id, section.body.to_vec()));
    }
    if !is_go {
        return Ok(None);
    }
    let mut module = Module(module);
    let invalid = |error: BinaryReaderError| PackError::Invalid(error.message().to_owned());
    if module.exports_realloc().map_err(invalid)? {
        return Ok(None);
    }
    let layout = module.layout().map_err(invalid)?.ok_or(PackError::Go)?;
    let functions = module.imported_functions().map_err(invalid)?;
    module.take_room(&layout, functions).ok_or(PackError::Go)?;
    Ok(Some(module.bytes(wasm)))
}

/// Its sections.
struct Module(Vec<(u8, Vec<u8>)>);

/// Where Go's variables are, and what it knows of it.
struct Layout {
    /// The address of `moduledata.end`.
    end_at: usize,
    /// Its value.
    end: usize,
    /// The memory's pages when the program starts.
    pages: usize,
}

impl Module {
    fn body(&self, id: u8) -> &[u8] {
        let found = self.0.iter().find(|(each, _)| *each == id && id != CUSTOM);
        found.map_or(&[0], |(_, body)| body)
    }

    fn exports_realloc(&self) -> Result<bool, BinaryReaderError> {
        for export in ExportSectionReader::new(BinaryReader::new(self.body(EXPORTS), 0))? {
            if export?.name == REALLOC {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn imported_functions(&self) -> Result<usize, BinaryReaderError> {
        let mut count = 0;
        let imports = ImportSectionReader::new(BinaryReader::new(self.body(IMPORTS), 0))?;
        for import in imports.into_imports() {
            count += usize::from(matches!(import?.ty, TypeRef::Func(_)));
        }
        Ok(count)
    }

    /// Finds `runtime.firstmoduledata` among the variables by what is always true of it.
    fn layout(&self) -> Result<Option<Layout>, BinaryReaderError> {
        let memories = MemorySectionReader::new(BinaryReader::new(self.body(MEMORIES), 0))?;
        let Some(memory) = memories.into_iter().next().transpose()? else {
            return Ok(None);
        };
        let pages = usize::try_from(memory.initial).unwrap_or(usize::MAX);
        let mut variables = Vec::new();
        for data in DataSectionReader::new(BinaryReader::new(self.body(DATA), 0))? {
            let data = data?;
            let DataKind::Active { offset_expr, .. } = data.kind else {
                return Ok(None);
            };
            let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else {
                return Ok(None);
            };
            let Ok(from) = usize::try_from(value) else {
                return Ok(None);
            };
            let to = from.saturating_add(data.data.len());
            if to > VARIABLES_BYTES_MAX {
                return Ok(None);
            }
            variables.resize(variables.len().max(to), 0);
            variables[from..to].copy_from_slice(data.data);
        }
        let words: Vec<u64> = variables
            .chunks_exact(8)
            .map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")))
            .collect();
        let mut found = words
            .windows(WORDS)
            .enumerate()
            .filter(|(_, words)| is_module_data(words, pages.saturating_mul(PAGE)));
        let (Some((index, words)), None) = (found.next(), found.next()) else {
            return Ok(None);
        };
        Ok(usize::try_from(words[END]).ok().map(|end| Layout {
            end_at: (index + END) * 8,
            end,
            pages,
        }))
    }

    /// None when there is more of something than 32 bits can count.
    fn take_room(&mut self, layout: &Layout, imported: usize) -> Option<()> {
        let from = layout.end.next_multiple_of(PAGE);
        let to = from.checked_add(ROOM_PAGES * PAGE)?;
        let end = i32::try_from(to).ok()?;
        let mut limits = vec![1, 0];
        write_length(&mut limits, layout.pages.checked_add(ROOM_PAGES)?);
        self.0.iter_mut().find(|(id, _)| *id == MEMORIES)?.1 = limits;

        let signature = self.append(TYPES, &[0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f])?;
        let mut kind = Vec::new();
        write_length(&mut kind, signature);
        let function = imported + self.append(FUNCTIONS, &kind)?;
        let mut next = vec![0x7f, 1];
        constant(&mut next, i32::try_from(from).ok()?);
        next.push(0x0b);
        let next = self.append(GLOBALS, &next)?;
        let mut export = Vec::new();
        write_length(&mut export, REALLOC.len());
        export.extend_from_slice(REALLOC.as_bytes());
        export.push(0);
        write_length(&mut export, function);
        self.append(EXPORTS, &export)?;
        self.append(CODE, &realloc(next, end))?;

        let mut data = vec![0];
        constant(&mut data, i32::try_from(layout.end_at).ok()?);
        data.extend_from_slice(&[0x0b, 8]);
        data.extend_from_slice(&u64::try_from(to).ok()?.to_le_bytes());
        let before = self.append(DATA, &data)?;
        if let Some((_, count)) = self.0.iter_mut().find(|(id, _)| *id == DATA_COUNT) {
            count.clear();
            write_length(count, before + 1);
        }
        Some(())
    }

    /// Adds an item to a section's list, and gives its index there.
    fn append(&mut self, id: u8, item: &[u8]) -> Option<usize> {
        let (_, body) = self.0.iter_mut().find(|(each, _)| *each == id)?;
        let (count, width) = length(body)?;
        let mut longer = Vec::with_capacity(body.len() + item.len() + 1);
        write_length(&mut longer, count + 1);
        longer.extend_from_slice(&body[width..]);
        longer.extend_from_slice(item);
        *body = longer;
        Some(count)
    }

    fn bytes(&self, wasm: &[u8]) -> Vec<u8> {
        let mut bytes = wasm[..8].to_vec();
        for (id, body) in &self.0 {
            bytes.push(*id);
            write_length(&mut bytes, body.len());
            bytes.extend_from_slice(body);
        }
        bytes
    }
}

/// Text begins at 0, variables behind it and in order, and nothing was compiled in to count what is covered by tests.
fn is_module_data(words: &[u64], memory_bytes: usize) -> bool {
    let variables = &words[NO_POINTERS..];
    let end = words[END];
    words[0] == 0
        && words[1] > 0
        && variables[0] >= 4096
        && variables.is_sorted()
        && variables[0] < end
        && words[LAST_ZEROED..].iter().all(|word| *word == end)
        && usize::try_from(end).is_ok_and(|end| end <= memory_bytes)
}

/// `cabi_realloc(old, old_size, align, size)`: hands out what lies between the global's value and `end`, once.
fn realloc(next: usize, end: i32) -> Vec<u8> {
    let global = |instruction: u8| {
        let mut bytes = vec![instruction];
        write_length(&mut bytes, next);
        bytes
    };
    let (get, set) = (global(0x23), global(0x24));
    let trap_if = [0x04, 0x40, 0x00, 0x0b];
    let mut body = vec![1, 1, 0x7f];
    // Nothing is ever made larger.
    body.extend_from_slice(&[0x20, 0]);
    body.extend_from_slice(&trap_if);
    // Local 4: the next address, aligned.
    body.extend_from_slice(&get);
    body.extend_from_slice(&[
        0x20, 2, 0x6a, 0x41, 1, 0x6b, 0x41, 0, 0x20, 2, 0x6b, 0x71, 0x22, 4,
    ]);
    body.extend_from_slice(&[0x20, 3, 0x6a]);
    body.extend_from_slice(&set);
    body.extend_from_slice(&get);
    constant(&mut body, end);
    body.push(0x4b);
    body.extend_from_slice(&trap_if);
    body.extend_from_slice(&[0x20, 4, 0x0b]);
    let mut code = Vec::with_capacity(body.len() + 1);
    write_length(&mut code, body.len());
    code.extend_from_slice(&body);
    code
}

/// `i32.const` of a number that is not negative.
fn constant(out: &mut Vec<u8>, mut value: i32) {
    out.push(0x41);
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits fit");
        value >>= 7;
        if value == 0 && low & 0x40 == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command as Go's linker leaves it, with these words where `moduledata` is, 16 bytes behind the first variables.
    fn module(custom: &str, words: &[u32], more: &str) -> Vec<u8> {
        let words = words
            .iter()
            .map(|word| format!("{word} "))
            .collect::<String>();
        let text = format!(
            r#"(module (@custom "{custom}" "x")
                (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
                (global (mut i32) (i32.const 0))
                (memory (export "memory") 17)
                (func (export "_start")) {more}
                (data (i32.const 4096) "variables")
                (data (i32.const 4112) (i64 {words})))"#
        );
        wat::parse_str(text).unwrap()
    }

    const WORDS_OF_GO: [u32; WORDS] = [
        0, 70, 4096, 5000, 5000, 5200, 5200, 6000, 6000, 7000, 7000, 7000, 7000,
    ];

    #[test]
    fn the_end_of_variables_moves_and_the_pages_before_it_are_for_the_adapter() {
        let roomy = make_room(&module(GO_SECTION, &WORDS_OF_GO, ""))
            .unwrap()
            .unwrap();
        wasmparser::validate(&roomy).unwrap();
        let parsed: Vec<_> = sections(&roomy)
            .map(|section| {
                section
                    .map(|section| (section.id, section.body.to_vec()))
                    .unwrap()
            })
            .collect();
        let module = Module(parsed);
        assert!(module.exports_realloc().unwrap());
        // What was moved is not what it was any more, and nothing is given twice.
        assert!(module.layout().unwrap().is_none());
        assert_eq!(make_room(&roomy), Ok(None));
        let data = DataSectionReader::new(BinaryReader::new(module.body(DATA), 0)).unwrap();
        let last = data.into_iter().last().unwrap().unwrap();
        assert_eq!(
            last.data,
            u64::try_from((1 + ROOM_PAGES) * PAGE)
                .unwrap()
                .to_le_bytes()
        );
        let memories = MemorySectionReader::new(BinaryReader::new(module.body(MEMORIES), 0));
        let memory = memories.unwrap().into_iter().next().unwrap().unwrap();
        assert_eq!(memory.initial, 17 + 4);
    }

    #[test]
    fn other_modules_stay_as_they_are() {
        assert_eq!(make_room(&module("producers", &WORDS_OF_GO, "")), Ok(None));
        let own =
            format!("(func (export {REALLOC:?}) (param i32 i32 i32 i32) (result i32) unreachable)");
        assert_eq!(make_room(&module(GO_SECTION, &WORDS_OF_GO, &own)), Ok(None));
    }

    #[test]
    fn a_layout_that_is_not_known_is_refused() {
        let mut outside = WORDS_OF_GO;
        outside[LAST_ZEROED..].fill(18 * 65536);
        let mut covered = WORDS_OF_GO;
        covered[END] = 8000;
        let twice = [WORDS_OF_GO, WORDS_OF_GO].concat();
        for words in [&outside[..], &covered, &twice, &[]] {
            assert_eq!(
                make_room(&module(GO_SECTION, words, "")),
                Err(PackError::Go)
            );
        }
    }
}
