#pragma once

#include "data_dir.hpp"

#include <sys/types.h>

#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

namespace bsp::server {

/// The installation of a running server, whose key a command may replace (chapter 13). Safe from several threads.
class living_installation {
public:
    /// As `open_installation`.
    living_installation(std::filesystem::path dir, std::string const& type);

    /// As it is now: read again when the files of the key have changed. What cannot be read leaves it as it was.
    [[nodiscard]] std::shared_ptr<installation const> current();

    /// Ends the rotation that is under way: the replaced key is gone from the disk, and with the last holder of an
    /// older `current` from memory. Nothing when there is none.
    void finish_rotation();

private:
    struct stamp {
        ino_t inode = 0;
        off_t bytes = 0;
        std::timespec modified{};
        bool operator==(stamp const& other) const;
    };
    struct look {
        stamp key, rotation;
        bool operator==(look const&) const = default;
    };
    [[nodiscard]] look look_now() const;

    std::filesystem::path const dir_;
    std::mutex mutex_;
    look seen_;
    std::shared_ptr<installation const> current_;
};

}  // namespace bsp::server
