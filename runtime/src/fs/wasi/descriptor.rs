//! Descriptors: the functions of `wasi:filesystem/types`.

use wasmtime::component::Resource;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use super::FsViewMut;
use super::convert::{FsError, FsResult, no_such_handle};
use super::directory::EntryStream;
use super::streams::{Position, ReadStream, WriteStream};
use super::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, Filesize,
    HostDescriptor, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use crate::fs::node::{Durable, NewTimes};
use crate::fs::walk::Follow;
use crate::fs::{Errno, OpenFile, OpenHow};

type Descriptor = Resource<OpenFile>;

impl FsViewMut<'_> {
    fn get(&self, descriptor: &Descriptor) -> FsResult<&OpenFile> {
        self.table.get(descriptor).map_err(no_such_handle)
    }

    fn push<T: Send + 'static>(&mut self, entry: T) -> FsResult<Resource<T>> {
        self.table.push(entry).map_err(no_such_handle)
    }
}

/// The interface has no absolute paths.
fn relative(path: &str) -> Result<&str, Errno> {
    if path.starts_with('/') {
        Err(Errno::NotPermitted)
    } else {
        Ok(path)
    }
}

fn new_times(accessed: NewTimestamp, modified: NewTimestamp) -> NewTimes {
    NewTimes {
        accessed: accessed.into(),
        modified: modified.into(),
    }
}

fn hash(identity: u128) -> MetadataHashValue {
    let [lower, upper] = [identity, identity >> 64].map(|half| {
        let low = half & u128::from(u64::MAX);
        u64::try_from(low).unwrap_or(u64::MAX)
    });
    MetadataHashValue { lower, upper }
}

impl types::Host for FsViewMut<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self
            .table
            .get(&error)?
            .downcast_ref::<Errno>()
            .map(|errno| ErrorCode::from(*errno)))
    }
}

impl HostDescriptor for FsViewMut<'_> {
    fn read_via_stream(
        &mut self,
        descriptor: Descriptor,
        offset: Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        let file = self.get(&descriptor)?.readable()?.clone();
        let stream = file
            .input_stream()
            .unwrap_or_else(|| Box::new(ReadStream::new(file, offset)));
        self.push(stream)
    }

    fn write_via_stream(
        &mut self,
        descriptor: Descriptor,
        offset: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        let file = self.get(&descriptor)?.writable()?.clone();
        let stream = file
            .output_stream()
            .unwrap_or_else(|| Box::new(WriteStream::new(file, Position::At(offset))));
        self.push(stream)
    }

    fn append_via_stream(&mut self, descriptor: Descriptor) -> FsResult<Resource<DynOutputStream>> {
        let file = self.get(&descriptor)?.writable()?.clone();
        let stream = file
            .output_stream()
            .unwrap_or_else(|| Box::new(WriteStream::new(file, Position::End)));
        self.push(stream)
    }

    fn advise(
        &mut self,
        descriptor: Descriptor,
        _offset: Filesize,
        _length: Filesize,
        _advice: Advice,
    ) -> FsResult<()> {
        match self.get(&descriptor)?.directory() {
            Ok(_) => Err(Errno::BadDescriptor.into()),
            Err(_) => Ok(()),
        }
    }

    fn sync_data(&mut self, descriptor: Descriptor) -> FsResult<()> {
        Ok(self.get(&descriptor)?.sync(Durable::Data)?)
    }

    fn sync(&mut self, descriptor: Descriptor) -> FsResult<()> {
        Ok(self.get(&descriptor)?.sync(Durable::All)?)
    }

    fn get_flags(&mut self, descriptor: Descriptor) -> FsResult<DescriptorFlags> {
        let open = self.get(&descriptor)?;
        if open.directory().is_ok() {
            return Ok(DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY);
        }
        let mut flags = DescriptorFlags::empty();
        if open.how().read {
            flags |= DescriptorFlags::READ;
        }
        if open.how().writes() {
            flags |= DescriptorFlags::WRITE;
        }
        Ok(flags)
    }

    fn get_type(&mut self, descriptor: Descriptor) -> FsResult<DescriptorType> {
        Ok(self.get(&descriptor)?.kind()?.into())
    }

    fn set_size(&mut self, descriptor: Descriptor, size: Filesize) -> FsResult<()> {
        Ok(self.get(&descriptor)?.truncate(size)?)
    }

    fn set_times(
        &mut self,
        descriptor: Descriptor,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        Ok(self
            .get(&descriptor)?
            .set_times(new_times(accessed, modified))?)
    }

    fn read(
        &mut self,
        descriptor: Descriptor,
        length: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = self.get(&descriptor)?.read_at(offset, length)?;
        let end = bytes.is_empty() && length > 0;
        Ok((bytes.into(), end))
    }

    fn write(
        &mut self,
        descriptor: Descriptor,
        buffer: Vec<u8>,
        offset: Filesize,
    ) -> FsResult<Filesize> {
        let written = self.get(&descriptor)?.write_at(offset, &buffer)?;
        Ok(Filesize::try_from(written).map_err(|_| Errno::FileTooLarge)?)
    }

    fn read_directory(&mut self, descriptor: Descriptor) -> FsResult<Resource<EntryStream>> {
        let listing = self.get(&descriptor)?.list()?;
        self.push(EntryStream::new(listing))
    }

    fn create_directory_at(&mut self, descriptor: Descriptor, path: String) -> FsResult<()> {
        let base = self.get(&descriptor)?.directory()?;
        Ok(self
            .state
            .view()
            .create_directory(base, relative(&path)?, 0o777 & !self.state.umask)?)
    }

    fn stat(&mut self, descriptor: Descriptor) -> FsResult<DescriptorStat> {
        Ok(self.get(&descriptor)?.stat()?.into())
    }

    fn stat_at(
        &mut self,
        descriptor: Descriptor,
        flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let base = self.get(&descriptor)?.directory()?;
        Ok(self
            .state
            .view()
            .stat(base, relative(&path)?, flags.into())?
            .0
            .into())
    }

    fn set_times_at(
        &mut self,
        descriptor: Descriptor,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let base = self.get(&descriptor)?.directory()?;
        let times = new_times(accessed, modified);
        Ok(self
            .state
            .view()
            .set_times(base, relative(&path)?, flags.into(), times)?)
    }

    fn link_at(
        &mut self,
        descriptor: Descriptor,
        flags: PathFlags,
        path: String,
        to_descriptor: Descriptor,
        to_path: String,
    ) -> FsResult<()> {
        let base = self.get(&descriptor)?.directory()?;
        let to_base = self.get(&to_descriptor)?.directory()?;
        let view = self.state.view();
        Ok(view.link(
            base,
            relative(&path)?,
            flags.into(),
            to_base,
            relative(&to_path)?,
        )?)
    }

    fn open_at(
        &mut self,
        descriptor: Descriptor,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Descriptor> {
        if self.state.open >= self.state.descriptors_max {
            return Err(Errno::TooManyDescriptors.into());
        }
        let base = self.get(&descriptor)?.directory()?;
        let how = OpenHow {
            // Opened for nothing is opened to look, as O_RDONLY is.
            read: flags.contains(DescriptorFlags::READ) || !flags.contains(DescriptorFlags::WRITE),
            write: flags.contains(DescriptorFlags::WRITE),
            append: false,
            create: open_flags.contains(OpenFlags::CREATE),
            exclusive: open_flags.contains(OpenFlags::EXCLUSIVE),
            truncate: open_flags.contains(OpenFlags::TRUNCATE),
            directory: open_flags.contains(OpenFlags::DIRECTORY),
            follow: Follow::from(path_flags) == Follow::Yes,
            mode: 0o666 & !self.state.umask,
        };
        let open = self.state.view().open(base, relative(&path)?, how)?;
        let descriptor = self.push(open)?;
        self.state.open += 1;
        Ok(descriptor)
    }

    fn readlink_at(&mut self, descriptor: Descriptor, path: String) -> FsResult<String> {
        let base = self.get(&descriptor)?.directory()?;
        Ok(self.state.view().read_link(base, relative(&path)?)?)
    }

    fn remove_directory_at(&mut self, descriptor: Descriptor, path: String) -> FsResult<()> {
        let base = self.get(&descriptor)?.directory()?;
        Ok(self.state.view().remove_directory(base, relative(&path)?)?)
    }

    fn rename_at(
        &mut self,
        descriptor: Descriptor,
        path: String,
        to_descriptor: Descriptor,
        to_path: String,
    ) -> FsResult<()> {
        let base = self.get(&descriptor)?.directory()?;
        let to_base = self.get(&to_descriptor)?.directory()?;
        Ok(self
            .state
            .view()
            .rename(base, relative(&path)?, to_base, relative(&to_path)?)?)
    }

    fn symlink_at(&mut self, descriptor: Descriptor, target: String, path: String) -> FsResult<()> {
        let base = self.get(&descriptor)?.directory()?;
        Ok(self.state.view().symlink(base, relative(&path)?, &target)?)
    }

    fn unlink_file_at(&mut self, descriptor: Descriptor, path: String) -> FsResult<()> {
        let base = self.get(&descriptor)?.directory()?;
        Ok(self.state.view().remove_file(base, relative(&path)?)?)
    }

    fn is_same_object(&mut self, one: Descriptor, other: Descriptor) -> wasmtime::Result<bool> {
        let (one, other) = (
            self.table.get(&one)?.identity(),
            self.table.get(&other)?.identity(),
        );
        Ok(one.is_ok() && one == other)
    }

    fn metadata_hash(&mut self, descriptor: Descriptor) -> FsResult<MetadataHashValue> {
        Ok(hash(self.get(&descriptor)?.identity()?))
    }

    fn metadata_hash_at(
        &mut self,
        descriptor: Descriptor,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        let base = self.get(&descriptor)?.directory()?;
        Ok(hash(
            self.state
                .view()
                .stat(base, relative(&path)?, flags.into())?
                .1,
        ))
    }

    fn drop(&mut self, descriptor: Descriptor) -> wasmtime::Result<()> {
        self.table.delete(descriptor)?;
        self.state.open = self.state.open.saturating_sub(1);
        Ok(())
    }
}
