# The components that ffmpeg is built with; sourced by build.sh. docs/security.md lists those that read recordings, and a test
# compares the list with the program. ffmpeg also has the components that these depend on.
# shellcheck shell=bash
# shellcheck disable=SC2034  # read by build.sh

# No network, and no protocol that opens something else by its name.
protocols=(file pipe)

# The steps give ffmpeg nothing but MP4s that the worker wrote.
demuxers=(mov)
muxers=(mp4 ipod mpegts hls adts mp3 ogg opus wav image2 webp null framehash)

# The codecs of recordings that MP4 can hold.
decoders=(
  h264 hevc vp8 vp9 libaom_av1 mpeg2video mpeg4 mjpeg
  aac opus mp3 mp2 ac3 eac3
  pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_f32le pcm_u8 pcm_alaw pcm_mulaw
)
# mjpeg and libwebp with image2 make the pictures of step thumbnails.
encoders=(libx264 mjpeg png libwebp aac libopus libmp3lame pcm_s16le wrapped_avframe)

parsers=(h264 hevc vp8 vp9 av1 mpegvideo mpeg4video mjpeg aac opus mpegaudio ac3)
bitstream_filters=(aac_adtstoasc h264_mp4toannexb hevc_mp4toannexb extract_extradata vp9_superframe vp9_superframe_split av1_frame_merge)

# trim, atrim, transpose, hflip, vflip and the conversions are inserted by ffmpeg itself.
filters=(
  null scale format setsar pad crop fps setpts trim transpose hflip vflip rotate split concat select thumbnail tile color showinfo
  anull aresample aformat asetpts atrim asplit apad anullsrc loudnorm
)
