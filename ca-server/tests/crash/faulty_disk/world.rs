//! The tree of files and directories. Knows nodes and paths; knows no faults.

use std::collections::BTreeMap;
use std::io;

use super::directory::DirNode;
use super::file::FileNode;
use crate::chance::Chance;

pub type NodeId = usize;

#[derive(Debug, Clone)]
pub struct World {
    nodes: BTreeMap<NodeId, Node>,
}

#[derive(Debug, Clone)]
enum Node {
    File(FileNode),
    Dir(DirNode),
}

impl World {
    pub fn empty() -> Self {
        Self { nodes: BTreeMap::from([(ROOT, Node::Dir(DirNode::default()))]) }
    }

    pub fn find(&self, path: &str) -> io::Result<NodeId> {
        path.split('/')
            .filter(|name| !name.is_empty())
            .try_fold(ROOT, |node, name| self.dir(node)?.find(name).ok_or_else(|| io::ErrorKind::NotFound.into()))
    }

    pub fn file(&self, node: NodeId) -> io::Result<&FileNode> {
        match self.nodes.get(&node) {
            Some(Node::File(file)) => Ok(file),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub fn file_mut(&mut self, node: NodeId) -> io::Result<&mut FileNode> {
        match self.nodes.get_mut(&node) {
            Some(Node::File(file)) => Ok(file),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub fn dir(&self, node: NodeId) -> io::Result<&DirNode> {
        match self.nodes.get(&node) {
            Some(Node::Dir(dir)) => Ok(dir),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub fn dir_mut(&mut self, node: NodeId) -> io::Result<&mut DirNode> {
        match self.nodes.get_mut(&node) {
            Some(Node::Dir(dir)) => Ok(dir),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub fn make_dir(&mut self, path: &str) -> io::Result<()> {
        match self.find(path) {
            Ok(node) => self.dir(node).map(|_| ()),
            Err(_) => self.add(path, Node::Dir(DirNode::default())),
        }
    }

    pub fn create(&mut self, path: &str) -> io::Result<()> {
        match self.find(path) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => self.add(path, Node::File(FileNode::default())),
        }
    }

    pub fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let node = self.find(from)?;
        let ((old_dir, old), (new_dir, new)) = (self.place(from)?, self.place(to)?);
        if old_dir == new_dir {
            self.dir_mut(old_dir)?.rename(old, new, node);
        } else {
            self.dir_mut(new_dir)?.add(new, node);
            self.dir_mut(old_dir)?.remove(old);
        }
        Ok(())
    }

    pub fn remove(&mut self, path: &str) -> io::Result<()> {
        self.file(self.find(path)?)?;
        let (dir, name) = self.place(path)?;
        self.dir_mut(dir)?.remove(name);
        Ok(())
    }

    pub fn remove_dir(&mut self, path: &str) -> io::Result<()> {
        if self.dir(self.find(path)?)?.names().next().is_some() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let (dir, name) = self.place(path)?;
        self.dir_mut(dir)?.remove(name);
        Ok(())
    }

    pub fn sync_parent(&mut self, path: &str) {
        let Ok((dir, _)) = self.place(path) else { return };
        if let Ok(dir) = self.dir_mut(dir) {
            dir.sync();
        }
    }

    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect(ROOT, "", &mut found);
        found
    }

    fn collect(&self, node: NodeId, path: &str, found: &mut Vec<String>) {
        match &self.nodes[&node] {
            Node::File(_) => found.push(path.to_owned()),
            Node::Dir(dir) => {
                for (name, node) in dir.names() {
                    let below = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
                    self.collect(node, &below, found);
                }
            }
        }
    }

    pub fn damage(&mut self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let node = self.find(path).unwrap();
        let file = self.file_mut(node).unwrap();
        change(file.now_mut());
        file.settle();
    }

    pub fn durable(&self) -> Self {
        self.map(FileNode::durable, DirNode::durable)
    }

    pub fn partly_durable(&self, chance: &mut Chance) -> Self {
        let mut files = chance.split();
        self.map(|file| file.partly_durable(&mut files), |dir| dir.partly_durable(chance))
    }

    pub fn settled(&self) -> Self {
        let mut settled = self.clone();
        for node in settled.nodes.values_mut() {
            match node {
                Node::File(file) => file.settle(),
                Node::Dir(dir) => dir.sync(),
            }
        }
        settled
    }

    /// A new world, and of the old nodes only those that a name still leads to.
    fn map(&self, mut file: impl FnMut(&FileNode) -> FileNode, mut dir: impl FnMut(&DirNode) -> DirNode) -> Self {
        let mut nodes = BTreeMap::new();
        let mut open = vec![ROOT];
        while let Some(id) = open.pop() {
            let node = match &self.nodes[&id] {
                Node::File(old) => Node::File(file(old)),
                Node::Dir(old) => {
                    let new = dir(old);
                    open.extend(new.names().map(|(_, node)| node));
                    Node::Dir(new)
                }
            };
            nodes.insert(id, node);
        }
        Self { nodes }
    }

    fn add(&mut self, path: &str, node: Node) -> io::Result<()> {
        let (dir, name) = self.place(path)?;
        let id = self.nodes.last_key_value().map_or(ROOT, |(last, _)| last + 1);
        self.nodes.insert(id, node);
        self.dir_mut(dir)?.add(name, id);
        Ok(())
    }

    /// The directory that a path lies in, and the name there.
    fn place<'a>(&self, path: &'a str) -> io::Result<(NodeId, &'a str)> {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok((self.find(dir)?, name))
    }
}

const ROOT: NodeId = 0;
