#pragma once

#include "data_dir.hpp"
#include "keys/key_store.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

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
    using look = std::pair<std::string, std::string>;  ///< stamps of the key and of the rotation
    [[nodiscard]] look look_now() const;

    std::filesystem::path const dir_;
    std::unique_ptr<key_store> const keys_;
    std::mutex mutex_;
    look seen_;
    std::shared_ptr<installation const> current_;
};

}  // namespace bsp::server
