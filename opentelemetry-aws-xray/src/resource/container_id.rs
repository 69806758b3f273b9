//! The id of the container around the process, from what the kernel says of control groups and mounts.

/// The id in `/proc/self/cgroup`. Version 1 has a path for each controller; version 2 often only `0::/`, which says nothing.
pub(super) fn in_cgroup(file: &str) -> Option<&str> {
    file.lines().find_map(|line| id_of_unit(line.rsplit('/').next()?))
}

/// The id in `/proc/self/mountinfo`: Docker mounts `/etc/hostname` from `…/containers/<id>/hostname`. In a pod that file is the sandbox's
/// (`…/sandboxes/<id>/hostname`, `…/overlay-containers/<id>/userdata/hostname`), which all containers of the pod share: no id of this one.
pub(super) fn in_mountinfo(file: &str) -> Option<&str> {
    file.lines().find_map(|line| {
        // mount id, parent, device, root, mount point, … (proc(5))
        let mut fields = line.split(' ').skip(3);
        let (root, mount_point) = (fields.next()?, fields.next()?);
        let path = (mount_point == "/etc/hostname").then_some(root)?;
        let directory = path.strip_suffix("/hostname")?;
        let (parent, id) = directory.rsplit_once('/')?;
        (parent.ends_with("/containers") && is_hash(id)).then_some(id)
    })
}

/// `<id>`, `docker-<id>.scope`, `cri-containerd-<id>.scope`, `crio-<id>.scope`, and Fargate's `<32 digits>-<number>`.
fn id_of_unit(unit: &str) -> Option<&str> {
    let unit = unit.trim();
    let unit = unit.strip_suffix(".scope").unwrap_or(unit);
    if let Some((task, number)) = unit.split_once('-')
        && task.len() == 32
        && is_hex(task)
        && (1..=20).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some(unit);
    }
    let id = unit.rsplit(['-', ':']).next()?;
    is_hash(id).then_some(id)
}

/// 64 hexadecimal digits; some runtimes show half of them.
fn is_hash(text: &str) -> bool {
    (32..=64).contains(&text.len()) && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605";

    #[test]
    fn ids_in_control_groups() {
        const FARGATE: &str = "cd189a933e5849daa93386466019ab50-2495160603";
        for (file, id) in [
            (format!("0::/\n12:cpu:/docker/{ID}\n"), Some(ID)),
            (format!("1:name=systemd:/ecs/cd189a933e5849daa93386466019ab50/{ID}"), Some(ID)),
            (format!("9:perf_event:/ecs/cd189a933e5849daa93386466019ab50/{FARGATE}"), Some(FARGATE)),
            (format!("0::/kubepods.slice/pod1.slice/cri-containerd-{ID}.scope"), Some(ID)),
            (format!("0::/system.slice/docker-{ID}.scope"), Some(ID)),
            (format!("1:name=systemd:/kubepods/besteffort/pod12/cri-containerd:{ID}"), Some(ID)),
            ("0::/".to_owned(), None),
            ("0::/user.slice/user-1000.slice/session-2.scope".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(in_cgroup(&file), id, "{file}");
        }
    }

    #[test]
    fn ids_among_mounts() {
        for (line, id) in [
            (
                format!(
                    "1 2 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw"
                ),
                Some(ID),
            ),
            (format!("1 2 8:1 /docker/containers/{ID}/hostname /etc/hostname rw - ext4 x rw"), Some(ID)),
            (
                format!("1 2 8:1 /containerd/sandboxes/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw"),
                None,
            ),
            (
                format!(
                    "1 2 0:25 /containers/storage/overlay-containers/{ID}/userdata/hostname /etc/hostname rw - tmpfs x rw"
                ),
                None,
            ),
            (format!("1 2 8:1 /docker/containers/orders/{ID}/hostname /etc/hostname rw - ext4 x rw"), None),
            (format!("1 2 8:1 /var/lib/docker/containers/{ID}/hosts /etc/hosts rw - ext4 x rw"), None),
            ("1 2 8:1 / / rw - overlay overlay rw".to_owned(), None),
            ("garbage".to_owned(), None),
        ] {
            assert_eq!(in_mountinfo(&format!("0 0 0:0 / / rw - x y z\n{line}")), id, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_file_panics_and_every_id_is_one(file in ".{0,200}") {
            for id in [in_cgroup(&file), in_mountinfo(&file)].into_iter().flatten() {
                prop_assert!(id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'));
            }
        }

        #[test]
        fn every_layout_gives_the_id(id in "[0-9a-f]{64}", pre in "(docker-|cri-containerd-|crio-)?", number in 1..20) {
            let file = format!("{number}:cpu:/a/b/{pre}{id}{}", if pre.is_empty() { "" } else { ".scope" });
            prop_assert_eq!(in_cgroup(&file), Some(id.as_str()));
        }
    }
}
