/** A session-initiate as the focus sends it, for the tests. */
export const OFFER = `
<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1' initiator='focus@focus.localhost/focus'>
 <group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'><content name='audio'/><content name='video'/></group>
 <bridge-session xmlns='http://jitsi.org/protocol/focus' id='b7' region='local'/>
 <content name='audio' creator='initiator' senders='both'>
  <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio' maxptime='60'>
   <payload-type id='111' name='opus' clockrate='48000' channels='2'>
    <parameter name='minptime' value='10'/><parameter name='useinbandfec' value='1'/>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='transport-cc'/>
   </payload-type>
   <rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1' uri='urn:ietf:params:rtp-hdrext:ssrc-audio-level'/>
   <rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='10' uri='urn:ietf:params:rtp-hdrext:sdes:mid'/>
   <extmap-allow-mixed xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'/>
   <rtcp-mux/>
   <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1000' name='jvb-a0'>
    <parameter name='msid' value='mixedmslabel mixedlabelaudio0'/><ssrc-info xmlns='http://jitsi.org/jitmeet' owner='jvb'/></source>
   <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='2001' name='aaaa0001-a0'>
    <ssrc-info xmlns='http://jitsi.org/jitmeet' owner='algebra@conference.localhost/aaaa0001'/></source>
  </description>
  <transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='uf' pwd='pwpwpwpwpwpwpwpwpwpwpw'>
   <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='actpass'>ab:cd</fingerprint>
   <candidate foundation='1' component='1' protocol='udp' priority='2130706431' ip='192.0.2.2' port='10000' type='host' generation='0' network='0' id='c1'/>
   <rtcp-mux/><web-socket xmlns='http://jitsi.org/protocol/colibri' url='wss://example.net/colibri-ws/default/c1/aaaa?pwd=x'/>
  </transport>
 </content>
 <content name='video' creator='initiator' senders='both'>
  <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'>
   <payload-type id='100' name='VP8' clockrate='90000'>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='ccm' subtype='fir'/>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack'/>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack' subtype='pli'/>
   </payload-type>
   <payload-type id='96' name='rtx' clockrate='90000'><parameter name='apt' value='100'/></payload-type>
   <rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='3' uri='http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time'/>
   <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1100' name='jvb-v0'>
    <parameter name='msid' value='mixedmslabel mixedlabelvideo0'/></source>
   <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='3001' name='aaaa0001-v0' videoType='camera'/>
   <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='3002' name='aaaa0001-v0'/>
   <ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='FID'><source ssrc='3001'/><source ssrc='3002'/></ssrc-group>
   <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='99999999999' name='bad-v0'/>
  </description>
  <transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='uf' pwd='pwpwpwpwpwpwpwpwpwpwpw'/>
 </content>
</jingle>`;
