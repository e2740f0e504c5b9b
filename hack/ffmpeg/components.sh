# What ffmpeg and ffprobe are built with; sourced by build.sh. docs/security.md lists what of it reads recordings, and a
# test compares the list with the programs. Beside these, ffmpeg has what they depend on.
# shellcheck shell=bash
# shellcheck disable=SC2034  # read by build.sh

# No network, and no protocol that opens something else by its name.
protocols=(file pipe)

# mov is MP4 too. What reads results of steps (ogg, mp3, wav, images) is here as well.
demuxers=(mov mpegts hls aac ac3 eac3 mp3 ogg matroska wav image2 concat)
muxers=(mp4 ipod mpegts hls adts mp3 ogg opus wav image2 webp null framehash)

decoders=(
  h264 hevc vp8 vp9 libaom_av1 mpeg2video mpeg4 mjpeg png webp
  aac aac_latm opus mp3 mp2 ac3 eac3
  pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_f32le pcm_u8 pcm_alaw pcm_mulaw pcm_bluray
)
encoders=(libx264 mjpeg png libwebp aac libopus libmp3lame pcm_s16le wrapped_avframe)

parsers=(h264 hevc vp8 vp9 av1 mpegvideo mpeg4video mjpeg png webp aac aac_latm opus mpegaudio ac3)
bitstream_filters=(aac_adtstoasc h264_mp4toannexb hevc_mp4toannexb extract_extradata vp9_superframe vp9_superframe_split av1_frame_merge)

# trim, atrim, transpose, hflip, vflip and the conversions are inserted by ffmpeg itself.
filters=(
  null scale format setsar pad crop fps setpts trim transpose hflip vflip rotate split concat select thumbnail tile color showinfo
  anull aresample aformat asetpts atrim asplit apad anullsrc loudnorm
)
